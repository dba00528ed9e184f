param capacity int = 6

resource server 'Microsoft.DBforPostgreSQL/flexibleServers@2024-08-01' = {
  name: 'acme-shop'
  location: resourceGroup().location
  sku: {
    name: 'Standard_B1ms'
    tier: 'Burstable'
  }
  properties: {
    version: '16'
  }
}

resource plan 'Microsoft.Web/serverfarms@2023-12-01' = {
  name: 'acme-shop'
  location: resourceGroup().location
  sku: {
    name: 'P1v3'
    capacity: capacity
  }
  properties: {
    reserved: true
  }
}

resource site 'Microsoft.Web/sites@2023-12-01' = {
  name: 'acme-shop'
  location: resourceGroup().location
  kind: 'app,linux'
  properties: {
    serverFarmId: plan.id
    siteConfig: {
      linuxFxVersion: 'PYTHON|3.12'
      appCommandLine: 'gunicorn --workers 4 --threads 8 shop.web:app'
      appSettings: [
        {
          name: 'DATABASE_URL'
          value: 'postgresql+psycopg2://shop@${server.properties.fullyQualifiedDomainName}/shop?sslmode=require'
        }
      ]
    }
  }
}
